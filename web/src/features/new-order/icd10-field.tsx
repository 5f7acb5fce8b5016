import { Combobox, Loader, TextInput, useCombobox, type TextInputProps } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useEffect, type KeyboardEvent } from "react";
import { useController, useFormContext } from "react-hook-form";
import { t } from "@/texts";
import { useFault } from "./fields";
import { asCode, isLikeCode, useIcd10 } from "./icd10";
import type { OrderForm } from "./order-form";
import styles from "./icd10-field.module.css";

type Props = {
  name: "primary_diagnosis" | `additional_diagnoses.${number}.text`;
  onKeyDown?: (event: KeyboardEvent<HTMLInputElement>) => void;
} & Pick<TextInputProps, "label" | "aria-label" | "rightSection">;

/** Type a code or words of its description; what is typed stays valid without choosing. */
export function Icd10Field({ name, onKeyDown: onKeyDownOfRow, rightSection, ...props }: Props) {
  const { control, clearErrors } = useFormContext<OrderForm>();
  const {
    field: { ref, ...field },
  } = useController({ control, name });
  const fault = useFault(name);
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  const [wanted] = useDebouncedValue(field.value, 120);
  const { data, isFetching, isPlaceholderData } = useIcd10(wanted);
  const matches = wanted.trim().length < 2 ? [] : (data?.items ?? []);
  const chosen = matches.find((match) => match.code === asCode(field.value));
  const isOpen = combobox.dropdownOpened && field.value.trim().length >= 2 && (matches.length > 0 || !isFetching);
  const isNothing = matches.length === 0 && !isFetching && wanted === field.value;
  const isOutdated = isPlaceholderData || wanted !== field.value;

  useEffect(() => {
    // Enter takes what stands out: never a match of fewer words than are typed by now.
    if (isOutdated) combobox.resetSelectedOption();
    else if (combobox.dropdownOpened) combobox.selectFirstOption();
    // Anew for each list of matches, not for each opening.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [data, isOutdated]);

  function change(value: string) {
    field.onChange(value);
    clearErrors(name);
  }

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>) {
    const isPlainEnter = event.key === "Enter" && !event.ctrlKey && !event.metaKey;
    const isAwaited = wanted !== field.value || (isPlaceholderData && isFetching);
    if (isPlainEnter && isAwaited && field.value.trim() && !isLikeCode(field.value)) event.preventDefault();
    else onKeyDownOfRow?.(event);
  }

  let hint = props.label ? t.newOrder.icd10Hint : undefined;
  if (chosen) hint = chosen.billable ? chosen.description : `${chosen.description} (${t.newOrder.icd10Category})`;
  else if (isNothing && wanted.trim().length >= 2) hint = t.newOrder.icd10None;

  return (
    <Combobox
      store={combobox}
      onOptionSubmit={(code) => {
        change(code);
        combobox.closeDropdown();
      }}
    >
      <Combobox.Target withExpandedAttribute>
        <TextInput
          {...props}
          ref={ref}
          name={field.name}
          value={field.value}
          error={fault}
          description={hint}
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          role="combobox"
          rightSection={isFetching && combobox.dropdownOpened ? <Loader size={14} /> : rightSection}
          onChange={(event) => {
            change(event.currentTarget.value);
            combobox.openDropdown();
          }}
          onKeyDown={onKeyDown}
          onBlur={() => {
            field.onBlur();
            combobox.closeDropdown();
          }}
        />
      </Combobox.Target>
      <Combobox.Dropdown hidden={!isOpen || matches.length === 0}>
        <Combobox.Options aria-label={t.newOrder.icd10Suggestions} className={styles.options}>
          {matches.map((match) => (
            <Combobox.Option key={match.code} value={match.code} className={styles.option}>
              <b className={styles.code}>{match.code}</b>
              <span>
                {match.description}
                {!match.billable && <i className={styles.category}> {t.newOrder.icd10Category}</i>}
              </span>
            </Combobox.Option>
          ))}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
