import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { Combobox } from "./Combobox";
import { matching } from "./matching";

Element.prototype.scrollIntoView = () => undefined; // jsdom lays nothing out

const OPTIONS = Array.from({ length: 400 }, (_, index) => ({
  key: `k${index}`,
  label: `Course ${index}`,
}));

function shown() {
  const onSelect = vi.fn();
  render(
    <Combobox
      label="Course"
      options={OPTIONS}
      selected="k3"
      selectedLabel="Course 3"
      placeholder="None"
      onSelect={onSelect}
    />,
  );
  return { onSelect, box: screen.getByRole("combobox", { name: "Course" }) };
}

test("typing narrows the list, and Enter chooses", async () => {
  const { onSelect, box } = shown();
  await userEvent.click(box);
  await userEvent.keyboard("391{Enter}");
  expect(onSelect).toHaveBeenCalledExactlyOnceWith("k391");
  expect(box.getAttribute("aria-expanded")).toBe("false");
});

test("arrows move from the present choice", async () => {
  const { onSelect, box } = shown();
  box.focus();
  await userEvent.keyboard("{ArrowDown}{ArrowDown}{Enter}");
  expect(onSelect).toHaveBeenCalledExactlyOnceWith("k4");
});

test("Escape leaves the choice as it was", async () => {
  const { onSelect, box } = shown();
  await userEvent.click(box);
  await userEvent.keyboard("39{Escape}");
  expect(onSelect).not.toHaveBeenCalled();
  expect((box as HTMLInputElement).value).toBe("Course 3");
});

test("a long list says how much of it is not drawn", async () => {
  const { box } = shown();
  await userEvent.click(box);
  expect(screen.getAllByRole("option")).toHaveLength(60);
  expect(screen.getByText("340 more: type to narrow them down.")).toBeDefined();
});

test("accents and case don't keep a search from finding", () => {
  expect(matching([{ label: "Programación II" }, { label: "Redes" }], "ii PROGRAMACION")).toEqual([
    { label: "Programación II" },
  ]);
});
