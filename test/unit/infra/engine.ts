import type { CustomResourceOptions } from '@pulumi/pulumi';
import type { MockResourceArgs } from '@pulumi/pulumi/runtime/mocks.js';

export interface Registered {
  readonly type: string;
  readonly name: string;
  /** The type of the component that it belongs to; null for what hangs on the stack itself. */
  readonly parent: string | null;
  readonly inputs: Record<string, unknown>;
  readonly isRetained: boolean;
  /** Whether the engine takes it away before it makes the one that replaces it. */
  readonly isDeletedFirst: boolean;
  /** Inputs whose changes the engine does not look at. */
  readonly ignored: readonly string[];
  /** When the engine was asked for it, and when it was there: places in one order of all such moments. */
  readonly askedAt: number;
  readonly madeAt: number;
}

type Answer = Pick<Registered, 'inputs' | 'askedAt' | 'madeAt'>;

export interface Graph {
  readonly resources: readonly Registered[];
  readonly outputs: Record<string, unknown>;
}

export interface EngineOptions {
  readonly preview?: boolean;
  readonly config?: Readonly<Record<string, string>>;
}

/**
 * Runs a program against an engine that makes up what a provider would have computed, and gives back what it was asked for. The
 * SDK is loaded here, since that takes half a second.
 */
export async function graphOf(
  program: () => Promise<object>,
  { preview = false, config = {} }: EngineOptions = {},
): Promise<Graph> {
  const { runtime, output } = await import('@pulumi/pulumi');
  const declared: Omit<Registered, keyof Answer>[] = [];
  const answers = new Map<string, Answer>();
  let moment = 0;
  const newResource = async (args: MockResourceArgs): Promise<{ id: string; state: object }> => {
    const askedAt = moment++;
    // What a machine needs takes its time, so that whatever does not wait for it comes first.
    for (let turn = 0; turn < slowness(args.type); turn++) await new Promise(setImmediate);
    const inputs = args.inputs as Record<string, unknown>;
    answers.set(`${args.type} ${args.name}`, { inputs, askedAt, madeAt: moment++ });
    return { id: `id of ${args.name}`, state: { ...inputs, ...computed(args) } };
  };
  const call = ({ token }: { readonly token: string }): never => {
    throw new Error(`the program asks the cloud: ${token}`);
  };
  runtime.setAllConfig(config);
  await runtime.setMocks({ newResource, call }, 'tutti', 'dev', preview);
  const outputs = await runtime.runInPulumiStack(() => {
    runtime.registerStackTransformation(({ type, name, opts }) => {
      const parent = opts.parent as unknown as { readonly __pulumiType: string } | undefined;
      declared.push({
        ...{ type, name, parent: parent?.__pulumiType ?? null, isRetained: opts.retainOnDelete === true },
        ...{
          ignored: opts.ignoreChanges ?? [],
          isDeletedFirst: (opts as CustomResourceOptions).deleteBeforeReplace === true,
        },
      });
      return undefined;
    });
    return program();
  });
  // Waits for every registration under way.
  await runtime.disconnect();
  return {
    resources: declared.map((one) => ({ ...one, ...answers.get(`${one.type} ${one.name}`)! })),
    outputs: preview ? {} : await new Promise((resolve) => output(outputs ?? {}).apply(resolve)),
  };
}

/** In turns of the event loop. Each kind is slower than the one before it, so that waiting for that does not pass for waiting for this. */
function slowness(type: string): number {
  const kinds = [/IAMMember$/i, /:Firewall$/, /:SecretVersion$/];
  return [0, 100, 300, 1200][kinds.findIndex((kind) => kind.test(type)) + 1]!;
}

function computed({ type, name, inputs }: MockResourceArgs): object {
  const given = inputs as Readonly<Record<string, string | undefined>>;
  switch (type) {
    case 'gcp:serviceaccount/account:Account': {
      const email = `${given.accountId!}@my-project.iam.gserviceaccount.com`;
      return { email, member: `serviceAccount:${email}` };
    }
    case 'gcp:compute/address:Address':
      return { address: given.address ?? `external address of ${name}` };
    case 'gcp:storage/bucket:Bucket':
      return { name: given.name ?? `${name}-1a2b3c4` };
    case 'tls:index/privateKey:PrivateKey':
      return { privateKeyPem: `private key of ${name}` };
    case 'tls:index/selfSignedCert:SelfSignedCert':
    case 'tls:index/locallySignedCert:LocallySignedCert':
      return { certPem: `certificate of ${name}` };
    case 'tls:index/certRequest:CertRequest':
      return { certRequestPem: `request of ${name}` };
    default:
      return { selfLink: `link of ${name}` };
  }
}
