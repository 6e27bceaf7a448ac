import { execFile, type ExecFileException } from 'node:child_process';

/** Standard output of a program; rejects with what it said. */
export function run(file: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      [...args],
      { maxBuffer: 16 * 1024 * 1024 },
      (error: ExecFileException | null, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${[file, ...args].join(' ')}: ${stderr.trim() || error.message}`));
      },
    );
    // A program that reads none may be gone already.
    child.stdin!.on('error', () => undefined);
    child.stdin!.end(input);
  });
}

export const ip = (...args: readonly string[]): Promise<string> => run('ip', args);
