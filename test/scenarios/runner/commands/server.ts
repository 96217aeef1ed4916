import type { PipelineSettings } from '../../../../src/core/pipeline/settings.ts'
import type { Command } from '../command.ts'

/** Settings by their names in the source; only before the server is first used. */
export const command: Command = {
  usage: '[frameBytesMax=N] [watchesPerConnectionMax=N] [SETTING=VALUE]...',
  run(world, args) {
    if (world.isStarted) throw new Error('the server runs already')
    const { settings } = world
    const frameBytesMax = args.integer('frameBytesMax', settings.frameBytesMax)
    const watchesMax = args.integer('watchesPerConnectionMax', -1)
    const pipeline: Record<string, unknown> = { ...settings.pipeline }
    for (const [name, text] of args.rest()) {
      if (!(name in pipeline)) throw new Error(`there is no setting ${name}`)
      pipeline[name] = valueLike(pipeline[name], text)
    }
    world.settings = {
      pipeline: pipeline as unknown as PipelineSettings,
      frameBytesMax,
      watchesPerConnectionMax: watchesMax < 0 ? undefined : watchesMax,
    }
  },
}

function valueLike(usual: unknown, text: string): unknown {
  if (typeof usual === 'boolean') return text === 'true'
  return typeof usual === 'number' ? Number(text) : text
}
