import type { Engine } from './engine.ts';

/** The engine, and the id of the project that its stack is in, once a configuration or outputs have named it; null: none has. */
export function aboutItsProject(engine: Engine): { readonly engine: Engine; readonly projectId: () => string | null } {
  let known: string | null = null;
  return {
    projectId: () => known,
    engine: {
      ...engine,
      async config() {
        const config = await engine.config();
        known = config.project;
        return config;
      },
      async outputs() {
        const outputs = await engine.outputs();
        if (outputs !== null) known = outputs.project;
        return outputs;
      },
    },
  };
}
