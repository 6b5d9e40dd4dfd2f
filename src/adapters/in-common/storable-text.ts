/** Makes of any text one that an entry may hold: NUL, and halves of surrogate pairs, become U+FFFD. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed()
}
