/** Why the demo cannot begin: one line that says what to do instead. Ends the program with exit code 2. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}
