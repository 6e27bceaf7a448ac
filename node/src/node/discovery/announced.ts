import type { PlanSource } from '../../source/source.ts';

/** The same source, asked only once `announced` has resolved: whoever looks for the leader finds it before a plan begins. */
export function onceAnnounced(source: PlanSource, announced: () => Promise<void>): PlanSource {
  const { watch } = source;
  return {
    ...source,
    fetch: async (signal) => {
      await announced();
      return source.fetch(signal);
    },
    watch:
      watch === null
        ? null
        : (known, handlers) => {
            let isEnded = false;
            let end = (): void => undefined;
            void announced().then(() => {
              if (!isEnded) end = watch(known, handlers);
            });
            return () => {
              isEnded = true;
              end();
            };
          },
  };
}
