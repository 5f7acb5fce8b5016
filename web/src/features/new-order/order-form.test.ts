import { describe, expect, test } from "vitest";
import { emptyForm, fieldOf, isBlank, sameAgain, toBody, type OrderForm } from "./order-form";

function typed(): OrderForm {
  const form = emptyForm();
  form.patient = {
    ...form.patient,
    first_name: " Ana ",
    last_name: "Bell",
    mrn: "012345",
    date_of_birth: "6/8/1979",
    weight_kg: "72,5",
    allergies: [{ text: "" }, { text: "Latex" }, { text: " " }, { text: "Penicillin" }],
  };
  form.medication = "IVIG";
  form.patient_records = "  as written\n";
  return form;
}

describe("toBody", () => {
  test("reads dates and numbers as people type them", () =>
    expect(toBody(typed(), false).patient).toMatchObject({
      first_name: "Ana",
      date_of_birth: "1979-06-08",
      weight_kg: 72.5,
      allergies: ["Latex", "Penicillin"],
    }));

  test("keeps the records as they are: citations point into them", () =>
    expect(toBody(typed(), false).patient_records).toBe("  as written\n"));

  test("sends no text where a file goes along", () => expect(toBody(typed(), true)).not.toHaveProperty("patient_records"));

  test("leaves out what is optional and empty", () => {
    expect(toBody(typed(), false)).not.toHaveProperty("order_date");
    expect(toBody(typed(), false).patient).not.toHaveProperty("sex");
  });

  test("sends what it cannot read as it was typed, for the server to name the fault", () => {
    const form = typed();
    form.patient.weight_kg = "heavy";
    form.patient.date_of_birth = "soon";
    expect(toBody(form, false).patient).toMatchObject({ weight_kg: "heavy", date_of_birth: "soon" });
  });
});

describe("fieldOf", () => {
  test("is the same path", () => expect(fieldOf("provider.npi", typed())).toBe("provider.npi"));
  test("counts only rows that were sent", () => {
    expect(fieldOf("patient.allergies.0", typed())).toBe("patient.allergies.1.text");
    expect(fieldOf("patient.allergies.1", typed())).toBe("patient.allergies.3.text");
  });
  test("is the first row for a fault of the whole list", () =>
    expect(fieldOf("additional_diagnoses", typed())).toBe("additional_diagnoses.0.text"));
  test("knows no other fields", () => expect(fieldOf("patient.shoe_size", typed())).toBeNull());
});

test("the next order of the same patient keeps all but the medication and its date", () => {
  const next = sameAgain({ ...typed(), order_date: "01/02/2026" });
  expect(next).toMatchObject({ medication: "", order_date: "", patient: { mrn: "012345" }, patient_records: "  as written\n" });
});

test("blank rows and spaces are a blank form", () => {
  expect(isBlank({ ...emptyForm(), additional_diagnoses: [{ text: " " }, { text: "" }] })).toBe(true);
  expect(isBlank(typed())).toBe(false);
});
