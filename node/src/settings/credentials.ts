import { apiEndpoint, oneOf, setting, type Setting, text, wholeNumber } from './fields.ts';

/** cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets */
const secretName = text.regex(
  /^projects\/[a-z0-9:.-]+\/secrets\/[A-Za-z0-9_-]{1,255}$/,
  'must be projects/PROJECT/secrets/SECRET, without a version',
);

/** Of `tutti credentials sync`; `tutti node` reads what it has written by CLUSTER_TLS_*_FILE and API_AUTH_TOKEN_FILE. */
export const credentialsSettings = {
  credentialsDir: setting(
    'CREDENTIALS_DIR',
    text.nullable().default(null),
    'none (required)',
    'For `tutti credentials sync`: the folder whose `current` links to node.pem, node.key, ca.pem and api-token.',
  ),
  credentialsKeysSecret: setting(
    'CREDENTIALS_KEYS_SECRET',
    secretName.nullable().default(null),
    'none',
    'For `tutti credentials sync`: the secret of Secret Manager with this node’s key, certificate and authorities, projects/PROJECT/secrets/SECRET.',
  ),
  credentialsTokenSecret: setting(
    'CREDENTIALS_TOKEN_SECRET',
    secretName.nullable().default(null),
    'none',
    'For `tutti credentials sync`: the secret with the token of the API.',
  ),
  credentialsWatchSecs: setting(
    'CREDENTIALS_WATCH_SECS',
    wholeNumber(10, 86_400).nullable().default(null),
    'once',
    'For `tutti credentials sync`: goes on, and asks again after so many seconds.',
  ),
  secretManagerApiEndpoint: setting(
    'SECRET_MANAGER_API_ENDPOINT',
    apiEndpoint.nullable().default(null),
    'https://secretmanager.googleapis.com',
    'Where the JSON API of Secret Manager is, for an emulator or a private endpoint: http(s)://host:port.',
  ),
  secretManagerApiEndpointAuth: setting(
    'SECRET_MANAGER_API_ENDPOINT_AUTH',
    oneOf(['none', 'adc']).nullable().default(null),
    'none',
    'Whether SECRET_MANAGER_API_ENDPOINT is sent a token. adc: of the Application Default Credentials, as Google’s own endpoint is. none: no.',
  ),
} satisfies Record<string, Setting>;
