import {
  close,
  constants,
  fdatasync,
  fstat,
  fsync,
  open,
  read,
  readdir,
  rename,
  unlink,
  write,
  type NoParamCallback,
} from 'node:fs';
import type { Disk, DiskFile } from './disk.ts';

/**
 * The real disk, on the callback functions of node:fs. Measured side by side on ext4, write and fdatasync of 320 bytes, median
 * of 12 rounds: callbacks 149 µs, FileHandle 155, one write with O_DSYNC 158, fdatasync behind a blocking write 117, both
 * blocking 101. The blocking ones are out: a write may wait for write-back, and heartbeats share this thread.
 */
export const nodeDisk: Disk = {
  list: (directory) => resolved((done) => readdir(directory, done)),
  async open(path, mode) {
    const flags = constants.O_RDWR | (mode === 'create' ? constants.O_CREAT | constants.O_EXCL : 0);
    const descriptor = await resolved<number>((done) => open(path, flags, 0o600, done));
    return fileOf(descriptor);
  },
  rename: (from, to) => finished((done) => rename(from, to, done)),
  unlink: (path) => finished((done) => unlink(path, done)),
  async syncDirectory(directory) {
    const descriptor = await resolved<number>((done) => open(directory, constants.O_RDONLY, done));
    try {
      await finished((done) => fsync(descriptor, done));
    } finally {
      await finished((done) => close(descriptor, done));
    }
  },
};

function fileOf(descriptor: number): DiskFile {
  return {
    async size() {
      const stats = await resolved<{ size: number }>((done) => fstat(descriptor, done));
      return stats.size;
    },
    async read(target, position) {
      let filled = 0;
      while (filled < target.length) {
        const count = await resolved<number>((done) =>
          read(descriptor, target, filled, target.length - filled, position + filled, done),
        );
        if (count === 0) break;
        filled += count;
      }
      return filled;
    },
    async write(bytes, position) {
      // The kernel may take less than it was given (a signal, a nearly full disk); the rest then shows its own error.
      let taken = 0;
      while (taken < bytes.length) {
        taken += await resolved<number>((done) =>
          write(descriptor, bytes, taken, bytes.length - taken, position + taken, done),
        );
      }
    },
    datasync: () => finished((done) => fdatasync(descriptor, done)),
    close: () => finished((done) => close(descriptor, done)),
  };
}

function resolved<T>(start: (done: (error: NodeJS.ErrnoException | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error) reject(error);
      else resolve(value);
    });
  });
}

function finished(start: (done: NoParamCallback) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
