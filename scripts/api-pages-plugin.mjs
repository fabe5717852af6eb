// A plugin of TypeDoc. `export type *` also exports the types of constants and functions, which TypeDoc takes for the
// things themselves. Removes those that the module at run time does not have.
import { pathToFileURL } from 'node:url';

/** `ReflectionKind.Variable` and `ReflectionKind.Function`. @see https://typedoc.org/api/enums/Models.ReflectionKind.html */
const VALUES = [32, 64];

export async function load(app) {
  const names = await valueNames(app.options.getValue('entryPoints'));
  app.converter.on('resolveBegin', ({ project }) => {
    for (const module of project.children ?? []) {
      const typesOnly = (module.children ?? []).filter(
        ({ kind, name }) => VALUES.includes(kind) && !names.get(module.name)?.has(name),
      );
      for (const reflection of typesOnly) project.removeReflection(reflection);
    }
  });
}

/** What each module exports at run time, by the module's name. */
async function valueNames(entryPoints) {
  const modules = entryPoints.map(async (types) => {
    const file = types.replace(/\.d\.ts$/, '.js');
    const name = types.replace(/^.*\/|\.d\.ts$/g, '');
    return [name, new Set(Object.keys(await import(pathToFileURL(file).href)))];
  });
  return new Map(await Promise.all(modules));
}
