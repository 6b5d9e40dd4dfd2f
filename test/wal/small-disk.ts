/** Disks that fill up: a tmpfs of a given size. */
import { execFileSync } from 'node:child_process'
import { onTestFinished } from 'vitest'
import { describeWherePermitted } from '../tools/services.ts'
import { temporaryFolder } from './temporary-log.ts'

/** Declares tests that mount disks of their own. */
export function describeWithSmallDisks(name: string, body: () => void): void {
  describeWherePermitted(['unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp'], name, body)
}

/** Gone with the test. */
export async function smallDisk(mebibytes: number): Promise<string> {
  const dir = await temporaryFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=700`, 'tmpfs', dir])
  onTestFinished(() => void execFileSync('umount', ['--lazy', dir]))
  return dir
}

/** As a file system is that the kernel found faulty, or that was mounted so. */
export function makeReadOnly(disk: string): void {
  execFileSync('mount', ['-o', 'remount,ro', disk])
}
