interface BundlerConfig {
  resolve?: { alias?: object };
}

/**
 * A webpack hook that resolves an export of this package, such as `latchkey/workflow`, to its source. By its name it would
 * be found as it was built, which may be older than what is tested.
 */
export function withSource(exported: string, path: string) {
  return <T extends BundlerConfig>(config: T): T => {
    const alias = { ...config.resolve?.alias, [exported]: path };
    return { ...config, resolve: { ...config.resolve, alias } };
  };
}
