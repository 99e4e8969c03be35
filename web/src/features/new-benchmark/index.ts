export { NewBenchmarkPage } from "./NewBenchmarkPage";
