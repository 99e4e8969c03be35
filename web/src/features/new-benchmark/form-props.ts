/** What every part of the form gets: the draft, how to change it, and what is wrong by path. */

import type { Draft, ExploreDraft, LoadDraft, WorkloadDraft } from "./draft";
import type { Problems } from "./problems";

export interface FormProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  changeLoad: (part: Partial<LoadDraft>) => void;
  changeWorkload: (part: Partial<WorkloadDraft>) => void;
  changeExplore: (part: Partial<ExploreDraft>) => void;
  problems: Problems;
}
