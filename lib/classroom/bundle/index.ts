export { type Bundled, type BundleOptions, bundleAssignment } from "./bundle.ts";
export { type Installed, installedPackage } from "./installed.ts";
export { layOut, type Placed } from "./layout.ts";
export { addPackages, type Files } from "./packages.ts";
export { tarballOf } from "./tarball.ts";
