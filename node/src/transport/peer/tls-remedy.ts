/** What to do, by OpenSSL's and Node's words for why a certificate was not accepted: codes where we accept, sentences where we dial. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [
    /CERT_HAS_EXPIRED|has expired/i,
    'its certificate has expired: renew the one in its CLUSTER_TLS_CERT_FILE, and compare the clocks of both machines',
  ],
  [/NOT_YET_VALID|not yet valid/i, 'its certificate is not valid yet: compare the clocks of both machines'],
  [
    /DID_NOT_RETURN_A_CERTIFICATE/i,
    'it shows no certificate: set its CLUSTER_TLS_CERT_FILE, CLUSTER_TLS_KEY_FILE and CLUSTER_TLS_CA_FILE',
  ],
  [
    /altname/i,
    'its certificate is of another address: give it one with the address of the list in subjectAltName (IP:... or DNS:...)',
  ],
  [
    /SELF_SIGNED|self-signed|UNABLE_TO|unable to (get|verify)|SIGNATURE_FAILURE|signature failure|INVALID_CA/i,
    'its certificate is of an authority that our CLUSTER_TLS_CA_FILE does not hold: have one authority sign all, or put both into that file on every node',
  ],
];

/** A sentence to put behind why the TLS handshake with a peer failed: empty where there is nothing to advise. */
export function tlsRemedy(reason: string): string {
  const [, remedy] = remedies.find(([pattern]) => pattern.test(reason)) ?? [];
  return remedy === undefined ? '' : `; ${remedy}`;
}
