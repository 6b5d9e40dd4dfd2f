// Loaded with --import into every thread of a child process: fsync fails once the file named by FAIL_FSYNC is there.
import fs from 'node:fs'

const fsyncSync = fs.fsyncSync
fs.fsyncSync = (descriptor) => {
  if (fs.existsSync(String(process.env.FAIL_FSYNC)))
    throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })
  fsyncSync(descriptor)
}
