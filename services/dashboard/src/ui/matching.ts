function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();
}

/** The options whose label holds every word of the search, in any order, accents aside. */
export function matching<T extends { label: string }>(options: T[], search: string): T[] {
  const words = folded(search).split(/\s+/).filter(Boolean);
  if (words.length === 0) return options;
  return options.filter((option) => {
    const label = folded(option.label);
    return words.every((word) => label.includes(word));
  });
}
