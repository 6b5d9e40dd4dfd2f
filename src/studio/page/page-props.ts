/** Defines what every page is given: the parameters of its address, and the numbers that main.ts keeps up to date. */
import type { OverviewAnswer } from '../answers.ts'

export interface PageProps {
  readonly parameters: Readonly<Record<string, string>>
  readonly overview: OverviewAnswer | undefined
}
