export { ClusterPage } from "./ClusterPage";
