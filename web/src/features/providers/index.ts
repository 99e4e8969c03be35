export { ProviderPage } from "./ProviderPage";
export { ProvidersPage } from "./ProvidersPage";
