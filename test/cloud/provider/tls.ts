import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { openssl } from './openssl.ts';
import type { Context, ResourceKind, Rule } from './resource-kind.ts';
import { textOf, textsAt, type Value, type Values } from './values.ts';

const registry = 'https://registry.terraform.io/providers/hashicorp/tls/latest/docs/resources';
const HOUR_MS = 3_600_000;

/** What openssl calls the uses that the provider knows; those that ours have. */
const keyUses: Readonly<Record<string, string>> = {
  cert_signing: 'keyCertSign',
  crl_signing: 'cRLSign',
  digital_signature: 'digitalSignature',
  key_encipherment: 'keyEncipherment',
};
const extendedUses: Readonly<Record<string, string>> = { server_auth: 'serverAuth', client_auth: 'clientAuth' };

/** "Changing this forces a new resource to be created": all of them. */
const everything = (docs: string, ...paths: readonly string[]): readonly Rule[] =>
  paths.map((replaces) => ({ replaces, docs }));
const digestId =
  (prefix: string): ResourceKind['id'] =>
  ({ serial }) =>
    createHash('sha1').update(`${prefix} ${serial}`).digest('hex');

function makeKey(inputs: Values): string {
  const algorithm = textOf(inputs, 'algorithm');
  if (algorithm === 'ED25519') return openssl(['genpkey', '-algorithm', 'ed25519']);
  if (algorithm === 'ECDSA' && inputs.ecdsaCurve === 'P256')
    return openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-noout']);
  throw new Error(`the stand-in makes no key of ${algorithm} ${JSON.stringify(inputs.ecdsaCurve ?? '')}`);
}

const subjectOf = (inputs: Values): string => `/CN=${textsAt(inputs, 'subject.commonName')[0] ?? ''}`;

function request(inputs: Values): string {
  const names = [
    ...textsAt(inputs, 'dnsNames').map((name) => `DNS:${name}`),
    ...textsAt(inputs, 'ipAddresses').map((address) => `IP:${address}`),
  ];
  const extension = names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`];
  const args = ['req', '-new', '-key', '@key', '-subj', subjectOf(inputs), ...extension];
  return openssl(args, { key: textOf(inputs, 'privateKeyPem') });
}

function extensionsOf(inputs: Values): string {
  const uses = textsAt(inputs, 'allowedUses');
  const known = (table: Readonly<Record<string, string>>): readonly string[] => uses.flatMap((use) => table[use] ?? []);
  const strange = uses.filter((use) => !(use in keyUses) && !(use in extendedUses));
  if (strange.length > 0) throw new Error(`the stand-in does not know the uses ${strange.join(', ')}`);
  const [keys, extended] = [known(keyUses), known(extendedUses)];
  return [
    `basicConstraints=critical,CA:${inputs.isCaCertificate === true ? 'TRUE' : 'FALSE'}`,
    ...(keys.length > 0 ? [`keyUsage=critical,${keys.join(',')}`] : []),
    ...(extended.length > 0 ? [`extendedKeyUsage=${extended.join(',')}`] : []),
    ...(inputs.setSubjectKeyId === true ? ['subjectKeyIdentifier=hash'] : []),
    '',
  ].join('\n');
}

const daysOf = (inputs: Values): string => String(Math.ceil(Number(inputs.validityPeriodHours) / 24));

function selfSigned({ inputs }: Context): string {
  const key = textOf(inputs, 'privateKeyPem');
  const csr = openssl(['req', '-new', '-key', '@key', '-subj', subjectOf(inputs)], { key });
  const args = ['x509', '-req', '-in', '@csr', '-signkey', '@key', '-days', daysOf(inputs), '-extfile', '@extensions'];
  return openssl(args, { key, csr, extensions: extensionsOf(inputs) });
}

function signed({ inputs, serial }: Context): string {
  const files = {
    csr: textOf(inputs, 'certRequestPem'),
    ca: textOf(inputs, 'caCertPem'),
    key: textOf(inputs, 'caPrivateKeyPem'),
    extensions: extensionsOf(inputs),
  };
  const signing = ['-CA', '@ca', '-CAkey', '@key', '-set_serial', String(serial), '-copy_extensions', 'copy'];
  return openssl(
    ['x509', '-req', '-in', '@csr', ...signing, '-days', daysOf(inputs), '-extfile', '@extensions'],
    files,
  );
}

/** What a certificate says of itself is computed from it, so it is made once, when the resource is. */
function certificate(make: (context: Context) => string): ResourceKind['computed'] {
  const made = new WeakMap<Values, string>();
  const once = (context: Context): string => {
    const pem = made.get(context.inputs) ?? make(context);
    made.set(context.inputs, pem);
    return pem;
  };
  const date = (context: Context, which: 'validFrom' | 'validTo'): Value =>
    new Date(new X509Certificate(once(context))[which]).toISOString();
  return {
    certPem: once,
    keyAlgorithm: () => 'ECDSA',
    readyForRenewal: (context) =>
      Date.parse(new X509Certificate(once(context)).validTo) - Number(context.inputs.earlyRenewalHours ?? 0) * HOUR_MS <
      Date.now(),
    validityStartTime: (context) => date(context, 'validFrom'),
    validityEndTime: (context) => date(context, 'validTo'),
  };
}

function key(): ResourceKind['computed'] {
  const made = new WeakMap<Values, string>();
  const pem = ({ inputs }: Context): string => {
    const text = made.get(inputs) ?? makeKey(inputs);
    made.set(inputs, text);
    return text;
  };
  return {
    privateKeyPem: pem,
    publicKeyPem: (context) => createPublicKey(pem(context)).export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** Keys and certificates, by openssl. */
export const tlsKinds: Readonly<Record<string, ResourceKind>> = {
  'tls:index/privateKey:PrivateKey': {
    module: 'privateKey',
    docs: `${registry}/private_key`,
    rules: everything(`${registry}/private_key`, 'algorithm', 'ecdsaCurve', 'rsaBits'),
    id: digestId('key'),
    computed: key(),
  },
  'tls:index/selfSignedCert:SelfSignedCert': {
    module: 'selfSignedCert',
    docs: `${registry}/self_signed_cert`,
    // All but the hours of renewal, which only say when `readyForRenewal` becomes true.
    rules: everything(
      `${registry}/self_signed_cert`,
      ...[
        'privateKeyPem',
        'subject',
        'allowedUses',
        'validityPeriodHours',
        'isCaCertificate',
        'setSubjectKeyId',
        'dnsNames',
        'ipAddresses',
      ],
    ),
    id: digestId('self-signed'),
    computed: certificate(selfSigned),
  },
  'tls:index/certRequest:CertRequest': {
    module: 'certRequest',
    docs: `${registry}/cert_request`,
    rules: everything(`${registry}/cert_request`, 'privateKeyPem', 'subject', 'dnsNames', 'ipAddresses', 'uris'),
    id: digestId('request'),
    computed: { certRequestPem: ({ inputs }) => request(inputs), keyAlgorithm: () => 'ECDSA' },
  },
  'tls:index/locallySignedCert:LocallySignedCert': {
    module: 'locallySignedCert',
    docs: `${registry}/locally_signed_cert`,
    rules: everything(
      `${registry}/locally_signed_cert`,
      ...[
        'certRequestPem',
        'caPrivateKeyPem',
        'caCertPem',
        'allowedUses',
        'validityPeriodHours',
        'isCaCertificate',
        'setSubjectKeyId',
      ],
    ),
    id: digestId('signed'),
    computed: { ...certificate(signed), caKeyAlgorithm: () => 'ECDSA' },
  },
};
