export { BenchmarksPage } from "./BenchmarksPage";
