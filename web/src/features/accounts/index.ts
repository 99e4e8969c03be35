export { AccountPage } from "./AccountPage";
export { RolesPage } from "./RolesPage";
export { UserPage } from "./UserPage";
export { UsersPage } from "./UsersPage";
