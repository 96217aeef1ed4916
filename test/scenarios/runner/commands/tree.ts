import { JuteReader } from '../../../../src/core/jute/reader.ts'
import { JuteWriter } from '../../../../src/core/jute/writer.ts'
import { ROOT, type Row } from '../../../../src/core/tree/data-tree.ts'
import type { Command } from '../command.ts'
import { describeData, describeStat, describeText } from '../describe.ts'

/** Every node that is not the system's own, with its data and stat. */
export const command: Command = {
  usage: '',
  run(world) {
    const { tree } = world.replica.replica.database
    const visit = (row: Row): void => {
      const path = tree.path(row)
      if (path === '/zookeeper') return
      const out = new JuteWriter()
      tree.writeStat(row, out)
      const described = describeStat(new JuteReader(out.copy()), world.sessions)
      if (row !== ROOT)
        world.say(`${describeText(path)} ${describeData(tree.data(row))} ${described}`)
      tree.forEachChild(row, visit)
    }
    visit(ROOT)
    tree.verify()
  },
}
