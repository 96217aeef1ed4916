/**
 * The repository checks itself: the import table holds, folders are documented, links lead
 * somewhere, the lock file names no download address. Messages say what to do.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Layer, type Reach, layers } from '../layers.ts'
import { lintConfig, lintConfigPath } from '../scripts/lint-config.ts'
import { completed } from '../scripts/lockfile.ts'

const root = resolve(import.meta.dirname, '..')
const source = join(root, 'src')
const linesWarned = 800
const linesMax = 1200

const sourceFiles = filesBelow(source, '.ts')
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...filesBelow(join(root, 'docs'), '.md').map((path) => join('docs', path)),
]

describe('layers', () => {
  test('every file below src belongs to a layer', () => {
    expect(sourceFiles.filter((path) => layerOf(path) === null)).toEqual([])
  })

  test('every layer with files has its folder named in docs/architecture.md', () => {
    const text = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8')
    const used = new Set(sourceFiles.map((path) => layerOf(path)?.folder))
    const unnamed = layers.filter(
      (layer) => used.has(layer.folder) && !text.includes(`\`${layer.folder}\``),
    )
    expect(unnamed.map((layer) => layer.folder)).toEqual([])
  })

  test('no import that layers.ts does not list', () => {
    expect(sourceFiles.filter((path) => !isTest(path)).flatMap(unlistedImports)).toEqual([])
  })

  test('no async function where the answer is due in the same turn', () => {
    const found = sourceFiles.filter((path) => {
      if (isTest(path) || path.endsWith('.d.ts') || rights(path).async) return false
      return /\b(async|await)\b/.test(withoutCommentsAndStrings(read(join('src', path))))
    })
    expect(found).toEqual([])
  })

  test('the lint configuration is what the table makes (npm run lint:config)', () => {
    expect(readFileSync(lintConfigPath, 'utf8')).toBe(lintConfig())
  })
})

describe('files', () => {
  test('names are kebab-case', () => {
    const odd = sourceFiles.filter(
      (path) =>
        !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|prop|type|bench|slow|d))*\.ts$/.test(
          path.split('/').at(-1) ?? '',
        ),
    )
    expect(odd).toEqual([])
  })

  test('each source file opens by saying what it is responsible for', () => {
    const silent = sourceFiles.filter(
      (path) => !isTest(path) && !/^(#!.*\n)?\s*(\/\/|\/\*)/.test(read(join('src', path))),
    )
    expect(silent).toEqual([])
  })

  test(`no file is longer than ${linesMax} lines`, () => {
    const lengths = sourceFiles.map(
      (path) => [path, read(join('src', path)).split('\n').length] as const,
    )
    for (const [path, lines] of lengths) {
      if (lines > linesWarned) console.warn(`src/${path} has ${lines} lines: is there a seam?`)
    }
    expect(lengths.filter(([, lines]) => lines > linesMax)).toEqual([])
  })
})

describe('documents', () => {
  test('relative links lead to files', () => {
    expect(documents.flatMap(deadLinks)).toEqual([])
  })

  test('npm scripts that are mentioned exist', () => {
    const scripts = Object.keys(
      (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts,
    )
    const unknown = documents.flatMap((path) =>
      [...read(path).matchAll(/\bnpm run ([a-z0-9:-]+)/g)]
        .map((match) => match[1] ?? '')
        .filter((name) => !scripts.includes(name))
        .map((name) => `${path}: npm run ${name}`),
    )
    expect(unknown).toEqual([])
  })
})

describe('the lock file', () => {
  test('names no download address', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "https?:/)
  })

  test('knows the packages of every platform (npm run lockfile)', () => {
    const text = read('package-lock.json')
    expect(completed(text) === text, 'run npm run lockfile').toBe(true)
  })
})

function rights(path: string): { reach: Reach; async: boolean; imports: readonly string[] } {
  const layer = layerOf(path)
  if (layer === null) return { reach: 'pure', async: false, imports: [] }
  const file = layer.files.find((candidate) => candidate.path === path)
  const imports = [layer.folder, ...layer.imports]
  if (file === undefined) return { reach: layer.reach, async: layer.async, imports }
  return { reach: file.reach, async: file.async, imports: [...imports, ...file.imports] }
}

function layerOf(path: string): Layer | null {
  const found = layers
    .filter((layer) => path.startsWith(`${layer.folder}/`))
    .sort((left, right) => right.folder.length - left.folder.length)
  return found[0] ?? null
}

function unlistedImports(path: string): readonly string[] {
  const { reach, imports } = rights(path)
  const packages = layerOf(path)?.packages ?? []
  return importsOf(path).flatMap((specifier) => {
    if (specifier.startsWith('.')) {
      const target = slashed(relative(source, resolve(source, dirname(path), specifier)))
      if (isTest(target)) return [`src/${path} imports the test ${target}`]
      if (target.startsWith('../')) return [`src/${path} imports ${target}, outside src`]
      const listed = imports.some((each) => target === each || target.startsWith(`${each}/`))
      return listed ? [] : [`src/${path} may not import src/${target} (layers.ts)`]
    }
    if (specifier.startsWith('node:')) {
      return reach === 'node' ? [] : [`src/${path} is pure and may not import ${specifier}`]
    }
    const listed = packages.some((each) => specifier === each || specifier.startsWith(`${each}/`))
    return listed ? [] : [`src/${path} may not import the package ${specifier} (layers.ts)`]
  })
}

function importsOf(path: string): readonly string[] {
  const text = withoutComments(read(join('src', path)))
  const from = /^(?:import|export)\b[^'"]*?\bfrom\s+['"]([^'"]+)['"]/gm
  const others = /\bimport\s*\(?\s*['"]([^'"]+)['"]/g
  return [...text.matchAll(from), ...text.matchAll(others)].map((match) => match[1] ?? '')
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

function withoutCommentsAndStrings(text: string): string {
  return withoutComments(text)
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "''")
    .replace(/\/\/.*$/gm, '')
}

function deadLinks(document: string): readonly string[] {
  const text = read(document).replace(/```[\s\S]*?```/g, '')
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => (match[1] ?? '').replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    .filter((target) => !existsSync(resolve(root, dirname(document), target)))
    .map((target) => `${document}: ${target}`)
}

function isTest(path: string): boolean {
  return /\.(test|bench)\.ts$/.test(path)
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function filesBelow(folder: string, ending: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => slashed(relative(folder, join(entry.parentPath, entry.name))))
    .sort()
}

function slashed(path: string): string {
  return path.split(sep).join('/')
}
