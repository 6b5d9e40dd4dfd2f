/** Columns of text for a terminal: the first to the left, the others, which are numbers, to the right. */
export function textTable(rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map(String))
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = cells.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('   '),
  )
  const rule = '─'.repeat(lines[0]?.length ?? 0)
  return lines.toSpliced(1, 0, rule).join('\n')
}
