/**
 * `@temporalio/envconfig`, which the build puts into this file: as a dependency it would bring a second copy of
 * `@temporalio/common` to an application with an older SDK, because each of its versions asks for exactly one of that
 * package, and no other Temporal package brings it.
 */
export {
  type ClientConfigProfile,
  type ClientConnectConfig,
  loadClientConfigProfile,
  toClientOptions,
} from '@temporalio/envconfig';
