import { connect, createServer } from 'node:net';

/** What `gcloud compute ssh MACHINE ... -- -L` does, without Google: test/support/cloud/fake-programs.ts puts it on the PATH. */
const args = process.argv.slice(2);
if (args[0] === '--version') {
  process.stdout.write('Google Cloud SDK 0.0.0 (a stand-in)\n');
  process.exit(0);
}
const lastWords = process.env.FAKE_GCLOUD_LAST_WORDS ?? '';
const urls = JSON.parse(process.env.FAKE_GCLOUD_URLS ?? '{}') as Record<string, string>;
const wanted = ['compute', 'ssh', '--tunnel-through-iap', '--quiet', '-N'].every((word) => args.includes(word));
const [, from = '', to = ''] = /^127\.0\.0\.1:(\d+):127\.0\.0\.1:(\d+)$/.exec(args[args.indexOf('-L') + 1] ?? '') ?? [];
const url = urls[args[2] ?? ''];
if (lastWords !== '' || !wanted || to !== '8080' || url === undefined) {
  process.stderr.write(`${lastWords === '' ? `this gcloud knows no ${args.join(' ')}` : lastWords}\n`);
  process.exit(1);
}
createServer((near) => {
  const far = connect(Number(new URL(url).port), '127.0.0.1');
  near.pipe(far).pipe(near);
  for (const socket of [near, far]) socket.on('error', () => near.destroy(far.destroy().errored ?? undefined));
}).listen(Number(from), '127.0.0.1');
