import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/node_modules/**', 'coverage/**'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['*.mjs', 'scripts/*.mjs', '.dependency-cruiser.mjs'] } },
    },
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // Numbers in messages and URLs are what this program is about.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Typed arrays and `noUncheckedIndexedAccess` meet on hot paths where the bound is proved by the loop.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      'max-lines-per-function': ['error', { max: 70, skipComments: true, skipBlankLines: true }],
      'max-lines': ['error', { max: 300, skipComments: true, skipBlankLines: true }],
      'no-console': 'error',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', 'max-lines': ['error', { max: 500 }] },
  },
  {
    files: ['scripts/**', 'node/src/cli/**', 'test/bench/**', 'test/e2e/**', 'examples/**'],
    rules: { 'no-console': 'off' },
  },
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  // The consensus core takes values and returns values: the same seed must replay the same cluster.
  {
    files: [
      'node/src/raft/**',
      'node/src/cluster/**',
      'node/src/results/**',
      'node/src/plan/**',
      'node/src/generator/schedule/**',
      'infra/src/config/**',
      'infra/src/plan/**',
      'infra/src/boot/**',
      'infra/policy/rules.ts',
    ],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate', 'process', 'performance', 'fetch', 'console'].map((name) => ({
          name,
          message: 'pure folder: clock, randomness, disk and network are passed in',
        })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'pure folder: randomness is passed in' },
        { object: 'Date', property: 'now', message: 'pure folder: the clock is passed in' },
      ],
    },
  },
);
