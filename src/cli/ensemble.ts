/**
 * `zabra ensemble`: several servers in one terminal, for development. They run in this process, with
 * real sockets and files, until the stop is asked for; meanwhile it is shown what each of them is.
 * What is shown is composed in `ensemble-view.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ExitCode,
  type LogLevel,
  type Server,
  ServerError,
  checkConfig,
  makeFileLogger,
  packageVersion,
  startServer,
} from '../server/index.ts'
import { type Place, firstTakenPort, placesOf, writeFiles } from './ensemble-places.ts'
import { EnsembleView, type MemberFacts } from './ensemble-view.ts'

export interface EnsembleRequest {
  readonly count: number
  /** Clients of the first server connect here, those of the others to the ports after it. */
  readonly port: number
  readonly directory: string
  readonly logLevel: LogLevel
}

/** Where it shows what happens, and how it learns that it is enough. */
export interface EnsembleStage {
  readonly isTerminal: boolean
  readonly stop: AbortSignal
  write(text: string): void
  complain(text: string): void
}

const LOOK_EVERY_MS = 200

/** Runs until it is told to stop, or no server is left; the status to end the process with. */
export async function ensemble(request: EnsembleRequest, stage: EnsembleStage): Promise<ExitCode> {
  const places = placesOf(request)
  const taken = await firstTakenPort(places)
  if (taken !== null) {
    stage.complain(`${taken}; choose other ports with --port\n`)
    return ExitCode.unexpectedError
  }
  const members: Member[] = []
  try {
    for (const place of places) members.push(await Member.start(place, places, request.logLevel))
    return await show(members, request, stage)
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    stage.complain(`server ${members.length + 1}: ${error.message}\n`)
    return error.exitCode
  } finally {
    await Promise.all(members.map((member) => member.stop()))
  }
}

async function show(
  members: readonly Member[],
  { directory }: EnsembleRequest,
  { isTerminal, stop, write }: EnsembleStage,
): Promise<ExitCode> {
  const view = new EnsembleView({ version: packageVersion(), directory, isTerminal })
  write(view.opening(members.map(({ facts }) => facts)))
  while (!stop.aborted) {
    write(view.update(members.map(({ facts }) => facts)))
    const failure = members.find((member) => member.failure !== null)?.failure ?? null
    if (failure !== null && members.every((member) => !member.isRunning)) return failure.exitCode
    await sleep(LOOK_EVERY_MS, undefined, { signal: stop }).catch(() => {})
  }
  write('stopping\n')
  return ExitCode.finished
}

class Member {
  readonly #place: Place
  readonly #server: Server
  #isRunning = true
  failure: ServerError | null = null

  private constructor(place: Place, server: Server) {
    this.#place = place
    this.#server = server
    void server.ended.then((failure) => {
      this.#isRunning = false
      this.failure = failure
    })
  }

  static async start(place: Place, all: readonly Place[], logLevel: LogLevel): Promise<Member> {
    const file = writeFiles(place, all)
    const { config, remarks } = checkConfig(file)
    const logger = makeFileLogger(logLevel, place.logFile)
    for (const { level, message } of remarks) logger[level](message)
    return new Member(place, await startServer({ config, logger }))
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  get facts(): MemberFacts {
    const { status, ensemble: standing } = this.#server
    return {
      id: this.#place.id,
      port: this.#place.clientPort,
      role: this.#isRunning ? (standing?.mode ?? 'looking') : 'ended',
      leaderId: standing?.leaderId ?? null,
      epoch: standing?.epoch ?? 0,
      zxid: status.lastZxid,
      connectionCount: status.connectionCount,
      failure: this.failure?.message ?? null,
    }
  }

  stop(): Promise<void> {
    return this.#server.stop()
  }
}
