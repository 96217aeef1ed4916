// The files of a membership: what ZooKeeper wrote for the same configuration, and that a crash at
// any moment leaves a configuration that names a whole file.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { goldenRoot, goldenVersions } from '../../../test/support/golden-data.ts'
import { type StorageBench, storageBench } from '../../../test/support/storage-bench.ts'
import { Prng } from '../../base/prng.ts'
import { decodeUtf8 } from '../../base/text.ts'
import type { DiskError } from '../../ports/disk.ts'
import {
  MembershipFiles,
  dynamicContent,
  dynamicPath,
  proposedContent,
  staticContent,
} from './membership-files.ts'

const CONFIG = '/conf/zoo.cfg'
const WRITTEN = 'tickTime=2000\n# ours\ndataDir=/data\nserver.1=a:1:2\nserver.2=b:1:2\n'

const membership = (version: number): { readonly version: number; readonly text: string } => ({
  version,
  text: `server.2=b:1:${version}\nserver.1=a:1:${version}\nversion=${version.toString(16)}`,
})

class Conf {
  readonly bench: StorageBench
  readonly files: MembershipFiles
  readonly answers: Array<DiskError | null> = []

  constructor(seed = 1) {
    this.bench = storageBench({}, {}, seed)
    this.bench.disk.makeDirectory('/conf')
    this.bench.put(CONFIG, WRITTEN)
    this.files = new MembershipFiles(this.bench.disk, CONFIG)
  }

  readonly note = (error: DiskError | null): void => {
    this.answers.push(error)
  }

  text(path: string): string | null {
    return this.bench.disk.size(path) === null ? null : decodeUtf8(this.bench.get(path))
  }

  /** The membership that a start would find: by the file that the configuration names. */
  found(): string {
    const config = this.text(CONFIG) ?? ''
    const named = /^dynamicConfigFile=(.*)$/m.exec(config)?.[1]
    return named === undefined ? config : (this.text(named) ?? 'a file that is not there')
  }
}

describe('the content of the files', () => {
  it('leaves everything else of a configuration as it was written', () => {
    const text = [
      '# our ensemble',
      'tickTime=2000',
      '  server.1 = a:1:2',
      'server.2=b:1:\\',
      '  2',
      'clientPort: 2181',
      'clientPortAddress=10.0.0.1',
      'secureClientPort=2281',
      'peerType=observer',
      'group.1=1:2',
      'weight.1=3',
      'dynamicConfigFile=/old',
      '',
      '! dataDir',
      'dataDir=/data\\\\',
      '',
    ].join('\n')
    expect(staticContent(text, '/conf/zoo.cfg.dynamic.5', true)).toBe(
      [
        '# our ensemble',
        'tickTime=2000',
        'secureClientPort=2281',
        '',
        '! dataDir',
        'dataDir=/data\\\\',
        'dynamicConfigFile=/conf/zoo.cfg.dynamic.5',
        '',
      ].join('\n'),
    )
    expect(staticContent('clientPort=1\n', '/d', false)).toBe(
      'clientPort=1\ndynamicConfigFile=/d\n',
    )
  })

  it('is sorted; only a proposal tells its version', () => {
    const text = 'server.2=b\nserver.10=c\nweight.1=2\nserver.1=a\nversion=1f'
    expect(dynamicContent({ version: 0x1f, text })).toBe(
      'server.10=c\nserver.1=a\nserver.2=b\nweight.1=2',
    )
    expect(proposedContent({ version: 0x20, text })).toBe(
      'server.10=c\nserver.1=a\nserver.2=b\nversion=20\nweight.1=2',
    )
  })

  it.each(goldenVersions.flatMap((version) => [1, 2, 3].map((id) => [version, id] as const)))(
    'is what ZooKeeper %s wrote for member %d',
    (version, id) => {
      const directory = join(goldenRoot, `data-${version}`, `ensemble/s${id}`)
      const read = (name: string): string => readFileSync(join(directory, name), 'utf8')
      const named = readdirSync(directory).filter((name) => name.includes('.dynamic.'))
      expect(named.length).toBeGreaterThan(1)
      for (const name of named) {
        const text = `${read(name)}\nversion=1`
        expect(dynamicContent({ version: 1, text })).toBe(read(name))
      }
      // ZooKeeper does not keep the order of the keys.
      const lines = (text: string): string[] => text.trim().split('\n').sort()
      const theirs = read('zoo.cfg')
      const path = /^dynamicConfigFile=(.*)$/m.exec(theirs)?.[1] as string
      expect(lines(staticContent(read('zoo.cfg.bak'), path, true))).toEqual(lines(theirs))
      expect(dynamicPath('zoo.cfg', Number.parseInt(path.split('.').at(-1) as string, 16))).toBe(
        path.split('/').at(-1),
      )
    },
  )
})

describe('a membership that changes', () => {
  it('is proposed, then decided, after which the proposal is gone', () => {
    const conf = new Conf()
    conf.files.propose(membership(0x1_0000_0005), conf.note)
    conf.bench.settle()
    expect(new MembershipFiles(conf.bench.disk, CONFIG).readProposed()).toBe(
      'server.1=a:1:4294967301\nserver.2=b:1:4294967301\nversion=100000005',
    )
    conf.files.decide(membership(0x1_0000_0005), false, conf.note)
    conf.bench.settle()
    expect(conf.answers).toEqual([null, null])
    conf.bench.disk.crash('power')
    expect(conf.files.readProposed()).toBeNull()
    expect(conf.text(CONFIG)).toBe(
      'tickTime=2000\n# ours\ndataDir=/data\n' +
        'dynamicConfigFile=/conf/zoo.cfg.dynamic.100000005\n',
    )
    expect(conf.found()).toBe('server.1=a:1:4294967301\nserver.2=b:1:4294967301')
  })

  it('keeps a newer proposal, also over a start', () => {
    const conf = new Conf()
    conf.files.propose(membership(9), conf.note)
    conf.bench.settle()
    const again = new MembershipFiles(conf.bench.disk, CONFIG)
    expect(again.readProposed()).toContain('version=9')
    again.decide(membership(7), false, conf.note)
    conf.bench.settle()
    expect(again.readProposed()).toContain('version=9')
    again.decide(membership(9), false, conf.note)
    conf.bench.settle()
    expect(again.readProposed()).toBeNull()
    expect(conf.text('/conf/zoo.cfg.dynamic.7')).not.toBeNull()
  })

  it('that a start has read is certain, even where the process before died on the way', () => {
    // Wherever the first process dies: what the next one finds, the one after it finds, too.
    for (let steps = 0; steps < 8; steps++) {
      const conf = new Conf()
      conf.files.propose(membership(9), conf.note)
      for (let i = 0; i < steps; i++) conf.bench.clock.step()
      conf.bench.disk.crash('process')
      const found = new MembershipFiles(conf.bench.disk, CONFIG).readProposed()
      conf.bench.disk.crash('power')
      expect(new MembershipFiles(conf.bench.disk, CONFIG).readProposed()).toBe(found)
    }
  })

  it('leaves a copy of what a person wrote', () => {
    const conf = new Conf()
    conf.files.backUp()
    conf.files.decide(membership(3), false, conf.note)
    conf.bench.settle()
    expect(conf.text('/conf/zoo.cfg.bak')).toBe(WRITTEN)
  })

  it('that cannot be written is answered with what went wrong', () => {
    const conf = new Conf()
    const nowhere = new MembershipFiles(conf.bench.disk, '/nowhere/zoo.cfg')
    nowhere.decide(membership(3), false, conf.note)
    conf.bench.settle()
    expect(conf.answers).toHaveLength(1)
    expect(conf.answers[0]?.code).toBe('ENOENT')
  })

  it('is the one before or the one after wherever the power goes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 30 }), (seed) => {
        const conf = new Conf(seed)
        const random = new Prng(seed).fork('work')
        const possible = [WRITTEN]
        let decided = 0
        for (let version = 1; version <= 4; version++) {
          const next = membership(version)
          possible.push(dynamicContent(next))
          conf.files.propose(next, conf.note)
          conf.files.decide(next, false, (error) => {
            expect(error).toBeNull()
            decided = version
          })
          for (let steps = random.below(40); steps > 0; steps--) conf.bench.clock.step()
        }
        conf.bench.disk.crash('power')
        const found = possible.indexOf(conf.found())
        expect(found).toBeGreaterThanOrEqual(decided)
        const proposed = conf.files.readProposed()
        if (proposed !== null) {
          const version = Number(/version=(\d)/.exec(proposed)?.[1])
          expect(proposed).toBe(proposedContent(membership(version)))
        }
      }),
      { numRuns: 200 },
    )
  })
})
