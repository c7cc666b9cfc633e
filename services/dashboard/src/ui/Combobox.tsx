import { useId, useRef, useState, type KeyboardEvent } from "react";

import "./combobox.css";
import { matching } from "./matching";

export interface Option {
  key: string;
  label: string;
  detail?: string;
}

interface ComboboxProps {
  label: string;
  options: Option[];
  selected: string | null;
  /** Shown for a chosen key that is not (or not yet) among the options. */
  selectedLabel: string;
  placeholder: string;
  onSelect: (key: string) => void;
}

/** More than this are not drawn; typing narrows them. */
const DRAWN = 60;

/** A searchable choice, after the ARIA combobox pattern with a list popup. */
export function Combobox(props: ComboboxProps) {
  const { label, options, selected, selectedLabel, placeholder, onSelect } = props;
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [search, setSearch] = useState<string | null>(null);
  const [active, setActive] = useState(0);

  const open = search !== null;
  const found = matching(options, search ?? "");
  const drawn = found.slice(0, DRAWN);
  const optionId = (index: number) => `${id}-option-${index}`;

  const show = (text: string, at: number) => {
    setSearch(text);
    setActive(Math.max(0, at));
  };
  const openList = () => {
    if (open) return;
    show(
      "",
      options.slice(0, DRAWN).findIndex((option) => option.key === selected),
    );
  };
  const close = () => {
    setSearch(null);
  };
  const choose = (option: Option | undefined) => {
    if (option) onSelect(option.key);
    close();
  };
  const move = (to: number) => {
    if (!open) {
      openList();
      return;
    }
    const next = Math.min(drawn.length - 1, Math.max(0, to));
    setActive(next);
    document.getElementById(optionId(next))?.scrollIntoView({ block: "nearest" });
  };

  const keys: Partial<Record<string, () => void>> = {
    ArrowDown: () => {
      move(active + 1);
    },
    ArrowUp: () => {
      move(active - 1);
    },
    PageDown: () => {
      move(active + 8);
    },
    PageUp: () => {
      move(active - 8);
    },
    Enter: () => {
      if (open) choose(drawn[active]);
      else openList();
    },
    Escape: close,
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const action = keys[event.key];
    if (!action || event.nativeEvent.isComposing) return;
    event.preventDefault();
    action();
  };

  return (
    <div className="combobox">
      <label htmlFor={id}>{label}</label>
      <div className="combobox-field">
        <input
          ref={input}
          id={id}
          role="combobox"
          type="text"
          autoComplete="off"
          spellCheck={false}
          dir="auto"
          aria-autocomplete="list"
          aria-expanded={open}
          aria-controls={`${id}-list`}
          aria-activedescendant={open && drawn.length > 0 ? optionId(active) : undefined}
          placeholder={open && selected !== null ? selectedLabel : placeholder}
          title={open ? undefined : selectedLabel}
          value={search ?? selectedLabel}
          onClick={openList}
          onChange={(event) => {
            show(event.target.value, 0);
          }}
          onKeyDown={onKeyDown}
          onBlur={close}
        />
        <svg className="combobox-chevron" viewBox="0 0 16 16" aria-hidden="true">
          <path d="m4 6 4 4 4-4" fill="none" stroke="currentColor" strokeWidth="1.75" />
        </svg>
      </div>
      <div className="combobox-popup" hidden={!open}>
        <div className="combobox-list" id={`${id}-list`} role="listbox" aria-label={label}>
          {open &&
            drawn.map((option, index) => (
              // The input keeps the focus and hears every key, as the ARIA pattern wants.
              // eslint-disable-next-line jsx-a11y/click-events-have-key-events
              <div
                key={option.key}
                id={optionId(index)}
                role="option"
                tabIndex={-1}
                aria-selected={option.key === selected}
                data-active={index === active || undefined}
                onMouseDown={(event) => {
                  event.preventDefault();
                }}
                onClick={() => {
                  choose(option);
                }}
              >
                <bdi title={option.label}>{option.label}</bdi>
                {option.detail !== undefined && <span>{option.detail}</span>}
              </div>
            ))}
        </div>
        {open && (
          <p className="combobox-note" role="status">
            {found.length === 0 && "Nothing matches."}
            {found.length > DRAWN && `${found.length - DRAWN} more: type to narrow them down.`}
          </p>
        )}
      </div>
    </div>
  );
}
