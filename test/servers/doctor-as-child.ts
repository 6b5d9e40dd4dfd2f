/**
 * `thermocline doctor` as another user, of its own group and no other: all that it needs is loaded before. Arguments:
 * the user, and those of the command.
 */
import { doctorCommand } from '../../src/cli/doctor.ts'

const [user, ...args] = process.argv.slice(2)
process.setgroups!([])
process.setgid!(Number(user))
process.setuid!(Number(user))
await doctorCommand().parseAsync(args, { from: 'user' })
