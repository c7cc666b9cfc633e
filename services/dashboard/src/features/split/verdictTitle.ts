import type { Split } from "../../api/answers";

const TITLES: Record<Split["verdict"]["state"], string> = {
  agrees: "The split agrees with what was asked",
  disagrees: "The split disagrees with what was asked",
  insufficient: "Not enough requests to tell yet",
};

export function verdictTitle(state: Split["verdict"]["state"]): string {
  return TITLES[state];
}
