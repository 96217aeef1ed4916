/**
 * Writes docs/reference/configuration.md from the records of the keys, so that the page cannot say
 * something else than the parser does. A test compares.
 *
 *   npm run docs
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { keyGroups } from '../src/server/config/all-keys.ts'
import type { ConfigKey, Support } from '../src/server/config/key.ts'

export const configurationPagePath: string = join(
  import.meta.dirname,
  '../docs/reference/configuration.md',
)

const marks: Readonly<Record<Support, string>> = {
  honoured: 'yes',
  ensemble: 'ensemble',
  'ensemble-later': 'ensemble: later',
  'ensemble-refused': 'ensemble: refused',
  later: 'later',
  'no-effect': 'no need',
  refused: 'refused',
}

export function configurationPage(): string {
  const tables = keyGroups.map(
    (group) => `## ${group.title}

| Key | Type and range | Default | Honoured | What it does |
| --- | --- | --- | --- | --- |
${group.keys.map(row).join('\n')}
`,
  )
  return `# Configuration

<!-- Made from src/server/config by \`npm run docs\`; edit the records there. -->

\`zabra serve zoo.cfg\` reads the configuration files of Apache ZooKeeper: the text of a Java properties
file, \`key=value\` on each line. Without a file, Zabra listens on port 2181, keeps its data in
\`./data\` and uses a tick of 2000 ms. \`-Dzookeeper.key=value\` before the file sets what the file does
not.

A value that cannot be used refuses the start: status 2, with the line and what is allowed, before a
port is opened or a file touched. An unknown key is named in a warning and otherwise ignored.

The column *honoured* says how far Zabra goes:

| | |
| --- | --- |
| yes | as in ZooKeeper |
| ensemble | as in ZooKeeper where there are several servers; one that stands alone passes over it, as ZooKeeper's does |
| ensemble: later, ensemble: refused | passed over by a server that stands alone; in an ensemble like *later* and *refused* |
| later | accepted; a value other than the default is answered with a warning |
| no need | tunes something that Zabra does not have, such as a thread pool; accepted in silence |
| refused | not there yet, and ignoring it would be unsafe |

Where ZooKeeper reads a key from the command line only (marked †), Zabra also reads it from the file.
Names in parentheses are those under which manuals list a key; both work.

${tables.join('\n')}`
}

function row(key: ConfigKey): string {
  const name = `\`${key.name}${key.family ? '*' : ''}\`${key.outsideFile ? ' †' : ''}`
  const aliases = key.aliases.map((alias) => ` (\`${alias}\`)`).join('')
  const range = key.range === '' || key.type === 'true or false' ? '' : `, ${key.range}`
  const unit = key.unit === '' ? '' : ` ${key.unit}`
  const type = key.type === 'yes or no' ? key.type : `${key.type}${range}${unit}`
  const cells = [name + aliases, type, key.defaultText, marks[key.support], key.reason]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  mkdirSync(dirname(configurationPagePath), { recursive: true })
  writeFileSync(configurationPagePath, configurationPage())
}
