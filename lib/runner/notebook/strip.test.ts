import { expect, test } from "vitest";
import { stripNotebook } from "./strip.ts";

const cell = (inner: string) =>
  `{\n "cells": [\n  {\n   "cell_type": "code",\n   ${inner}\n   "id": "k\\u00e9-1",\n   "source": ["x = 1.0"]\n  }\n ],\n "metadata": {"version": 1.0, "big": 12345678901234567890},\n "nbformat": 4,\n "nbformat_minor": 5\n}`;

test("takes outputs and counts out and leaves every other byte", () => {
  const text = cell(
    '"execution_count": 12,\n   "metadata": {},\n   "outputs": [\n    {"output_type": "stream", "name": "stdout", "text": ["a"]}\n   ],',
  );
  expect(stripNotebook(text, "x")).toBe(cell('"execution_count": null,\n   "metadata": {},\n   "outputs": [],'));
});

test("takes out what a run left in the metadata", () => {
  const text = cell(
    '"execution_count": null,\n   "metadata": {\n    "execution": {"a": 1},\n    "tags": ["b"],\n    "measured": {"seconds": 1}\n   },\n   "outputs": [],',
  );
  expect(stripNotebook(text, "x")).toBe(
    cell('"execution_count": null,\n   "metadata": {\n    "tags": ["b"]\n   },\n   "outputs": [],'),
  );
  const only = cell('"execution_count": null,\n   "metadata": {\n    "execution": {}\n   },\n   "outputs": [],');
  expect(stripNotebook(only, "x")).toBe(cell('"execution_count": null,\n   "metadata": {},\n   "outputs": [],'));
});

test("a stripped notebook stays as it is, to the byte", () => {
  const text = cell('"execution_count": null,\n   "metadata": {"tags": [ ]},\n   "outputs": [ ],');
  expect(stripNotebook(text, "x")).toBe(text);
});

test("keeps the outputs of cells that ask for it", () => {
  const text = cell(
    '"execution_count": 3,\n   "metadata": {"tags": ["keep-output"]},\n   "outputs": [{"output_type": "stream", "name": "stdout", "text": ["a"]}],',
  );
  expect(stripNotebook(text, "x")).toBe(text);
  expect(stripNotebook(text, "x", { keepTags: [] })).not.toBe(text);
});
