/**
 * Brings the foreign programs into `interop/.cache/`: Apache ZooKeeper with its Java client (by
 * Maven), our Java programs compiled against it, the server of 3.8, and kazoo (by pip, in an
 * environment of its own).
 * Running it again costs a few file reads: each peer leaves a stamp of what it was made from.
 *
 *   npx tsx interop/setup.ts
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  cacheDirectory,
  type FetchedPeer,
  interopDirectory,
  javaClassesDirectory,
  kazooPython,
  library38Directory,
  libraryDirectory,
  readStamp,
  stampPath,
} from './peers/cache.ts'

const kazooVersion = '2.11.0'
const pomPath = join(interopDirectory, 'peers', 'pom.xml')
const pom38Path = join(interopDirectory, 'peers', 'pom-3.8.xml')
const javaSources = join(interopDirectory, 'peers', 'java')

const failures = [
  attempt('java', setUpJava),
  attempt('java-3.8', setUpJava38),
  attempt('kazoo', setUpKazoo),
].flatMap((failure) => (failure === null ? [] : [failure]))
for (const failure of failures) console.error(failure)
process.exitCode = failures.length === 0 ? 0 : 1

/** Runs one set-up and turns its failure into a sentence, so that the other peer is still tried. */
function attempt(peer: FetchedPeer, setUp: () => void): string | null {
  try {
    setUp()
    console.log(`${peer}: ready`)
    return null
  } catch (error) {
    rmSync(stampPath(peer), { force: true })
    return `${peer}: ${error instanceof Error ? error.message : String(error)}`
  }
}

function setUpJava(): void {
  const sources = readdirSync(javaSources)
    .filter((name) => name.endsWith('.java'))
    .map((name) => join(javaSources, name))
    .sort()
  const wanted = digestOf([pomPath, ...sources])
  if (readStamp('java') === wanted) return

  need('mvn', 'Maven is needed to fetch Apache ZooKeeper (Debian: apt-get install maven)')
  need('javac', 'A JDK is needed (Debian: apt-get install default-jdk-headless)')
  rmSync(join(cacheDirectory, 'java'), { recursive: true, force: true })
  mkdirSync(javaClassesDirectory, { recursive: true })
  fetchLibraries(pomPath, libraryDirectory)
  run('javac', [
    '-nowarn',
    '-d',
    javaClassesDirectory,
    '-cp',
    join(libraryDirectory, '*'),
    ...sources,
  ])
  writeFileSync(stampPath('java'), wanted)
}

function setUpJava38(): void {
  const wanted = digestOf([pom38Path])
  if (readStamp('java-3.8') === wanted) return

  need('mvn', 'Maven is needed to fetch Apache ZooKeeper (Debian: apt-get install maven)')
  rmSync(join(cacheDirectory, 'java-3.8'), { recursive: true, force: true })
  fetchLibraries(pom38Path, library38Directory)
  writeFileSync(stampPath('java-3.8'), wanted)
}

function fetchLibraries(pom: string, directory: string): void {
  run('mvn', [
    '-q',
    '-B',
    '-f',
    pom,
    'dependency:copy-dependencies',
    `-DoutputDirectory=${directory}`,
    '-DincludeScope=runtime',
  ])
}

function setUpKazoo(): void {
  const wanted = `kazoo ${kazooVersion}`
  if (readStamp('kazoo') === wanted) return

  need('python3', 'Python 3 is needed for kazoo (Debian: apt-get install python3-venv)')
  const environment = join(cacheDirectory, 'venv')
  rmSync(environment, { recursive: true, force: true })
  mkdirSync(cacheDirectory, { recursive: true })
  run('python3', ['-m', 'venv', environment])
  run(kazooPython, ['-m', 'pip', 'install', '--quiet', `kazoo==${kazooVersion}`])
  writeFileSync(stampPath('kazoo'), wanted)
}

function need(program: string, sentence: string): void {
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
  if (found.status !== 0) throw new Error(sentence)
}

function run(program: string, args: readonly string[]): void {
  const result = spawnSync(program, args, { encoding: 'utf8' })
  if (result.status === 0) return
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim()
  throw new Error(`${program} failed: ${output === '' ? String(result.error) : output}`)
}

function digestOf(paths: readonly string[]): string {
  const hash = createHash('sha256')
  for (const path of paths) hash.update(path).update(readFileSync(path))
  return hash.digest('hex')
}
