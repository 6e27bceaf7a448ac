/** Structured logging as it is passed to everything that logs; pino satisfies it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const nothing = (): void => undefined;

/** For tests and for programs that embed a part and do not want its lines. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
