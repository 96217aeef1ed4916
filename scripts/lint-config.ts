/**
 * Makes `.oxlintrc.json` from the import table in `layers.ts`: one override for each folder with
 * what it may not import, which globals it may not touch, and which clock it may not read.
 *
 *   npm run lint:config
 *
 * The file is committed, so that editors and `npm run lint` need no build step; the tidy test
 * compares it with what this script would write. Lint sees import paths as text, so it forbids
 * whole folders; the tidy test resolves paths and is exact to the file.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Layer, type Reach, layers } from '../layers.ts'

type Rule = string | readonly [string, ...unknown[]]

interface Override {
  readonly files: readonly string[]
  readonly rules: Readonly<Record<string, Rule>>
}

export const lintConfigPath: string = join(import.meta.dirname, '..', '.oxlintrc.json')

const ambientGlobals: readonly string[] = [
  'process',
  'Buffer',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'crypto',
  'fetch',
  'console',
]

const laterGlobals: readonly string[] = ['Promise', 'queueMicrotask', 'WeakRef']

const ambientProperties: readonly unknown[] = [
  { object: 'Date', property: 'now', message: 'Time is an argument or a port here.' },
  { object: 'Math', property: 'random', message: 'Randomness is seeded or a port here.' },
  ...['setTimeout', 'setInterval', 'setImmediate', 'process', 'performance'].map((property) => ({
    object: 'globalThis',
    property,
    message: 'The world arrives through a port here.',
  })),
]

export function lintConfig(): string {
  const config = {
    $schema: './node_modules/oxlint/configuration_schema.json',
    plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import'],
    categories: { correctness: 'error' },
    options: { typeAware: true },
    env: { es2024: true, node: true },
    ignorePatterns: ['dist/**', '**/.cache/**', 'docs/api/**'],
    rules: {
      'eslint/eqeqeq': 'error',
      'eslint/no-console': 'error',
      'eslint/no-else-return': 'error',
      'eslint/no-var': 'error',
      'eslint/prefer-const': 'error',
      'import/no-cycle': 'error',
      'typescript/no-explicit-any': 'error',
      'typescript/no-floating-promises': 'error',
      'typescript/no-misused-promises': 'error',
      // Splitting a string into code points is what is meant where it is done.
      'typescript/no-misused-spread': 'off',
      'typescript/only-throw-error': 'error',
      // Strings sort by code unit, which is the order we mean.
      'typescript/require-array-sort-compare': 'off',
      'typescript/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      'typescript/unbound-method': 'off',
      'unicorn/no-new-array': 'off',
      // A copy is what makes it safe to change a collection while walking it.
      'unicorn/no-useless-spread': 'off',
      'unicorn/prefer-node-protocol': 'error',
    },
    overrides: [...layers.flatMap(overridesOf), ...exceptions()],
  }
  return `${JSON.stringify(config, null, 2)}\n`
}

function overridesOf(layer: Layer): readonly Override[] {
  const folder: Override = {
    files: [`src/${layer.folder}/**/*.ts`],
    rules: rulesFor(layer, layer.imports, layer.reach, layer.async),
  }
  const files = layer.files.map((file) => ({
    files: [`src/${file.path}`],
    rules: rulesFor(layer, [...layer.imports, ...file.imports], file.reach, file.async),
  }))
  return [folder, ...files]
}

function rulesFor(
  layer: Layer,
  imports: readonly string[],
  reach: Reach,
  async: boolean,
): Readonly<Record<string, Rule>> {
  const patterns = [
    ...layers
      .filter((other) => !mayTouch(layer.folder, imports, other.folder))
      .map((other) => ({
        group: importPatterns(other.folder),
        message: `src/${layer.folder} may not import src/${other.folder} (layers.ts).`,
      })),
    { group: ['**/*.test.ts', '**/*.bench.ts'], message: 'Nothing imports a test.' },
    ...(reach === 'pure'
      ? [{ regex: '^[^.]', message: `src/${layer.folder} has no dependencies (layers.ts).` }]
      : []),
  ]
  const globals = [...(reach === 'pure' ? ambientGlobals : []), ...(async ? [] : laterGlobals)]
  return {
    'eslint/no-restricted-imports': ['error', { patterns }],
    'eslint/no-restricted-globals': globals.length === 0 ? 'off' : ['error', ...globals],
    'eslint/no-restricted-properties': reach === 'pure' ? ['error', ...ambientProperties] : 'off',
  }
}

/** True where the folder itself, or anything within it, may be imported. */
function mayTouch(own: string, imports: readonly string[], other: string): boolean {
  return [own, ...imports].some(
    (allowed) => isWithin(other, allowed) || isWithin(allowed, other) || allowed === other,
  )
}

function isWithin(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`)
}

/** Import paths are relative, so a neighbour in `core` appears without that word. */
function importPatterns(folder: string): readonly string[] {
  const [top, name] = folder.split('/')
  if (name === undefined) return [`../${top}/**`, `../../${top}/**`, `../../../${top}/**`]
  return [`**/${top}/${name}/**`, `../${name}/**`, `../../${name}/**`]
}

function exceptions(): readonly Override[] {
  return [
    {
      files: ['src/cli/**/*.ts', 'src/sim/main.ts', 'scripts/**', 'bench/**', 'interop/**'],
      rules: { 'eslint/no-console': 'off' },
    },
    {
      files: ['**/*.test.ts', '**/*.bench.ts', 'test/**'],
      rules: {
        'eslint/no-console': 'off',
        'eslint/no-restricted-imports': 'off',
        'eslint/no-restricted-globals': 'off',
        'eslint/no-restricted-properties': 'off',
      },
    },
  ]
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(lintConfigPath, lintConfig())
}
