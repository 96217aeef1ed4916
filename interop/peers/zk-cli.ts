/** Apache's command line, `zkCli.sh`: told its commands through a pipe or as one on its own line. */
import { spawn } from 'node:child_process'
import { javaProgram } from './transcript-program.ts'

export interface CliAnswer {
  readonly status: number | null
  readonly output: string
  readonly errors: string
}

export function zkCli(
  address: string,
  command: readonly string[],
  input: string,
): Promise<CliAnswer> {
  const mainClass = 'org.apache.zookeeper.ZooKeeperMain'
  const program = javaProgram(mainClass, '-server', address, ...command)
  return new Promise((resolve, reject) => {
    const child = spawn(program.command, program.args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let output = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, output, errors }))
    child.stdin.end(input.trimStart())
  })
}
