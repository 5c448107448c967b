/**
 * How the engine keeps values in its memory: quickjs-wasi 3.6.2, by the hash of what is made of it (`engine-hash.json`). All in bytes, from the address of
 * a thing, unless it says otherwise. `test/processes/agent/plain-json.test.ts` and `plain-values.test.ts` compare with what the engine does.
 */

// A value has two words; the second tells what it is, or is the upper half of a number.
export const INTEGER = 0
export const BOOLEAN = 1
export const NULL = 2
export const UNDEFINED = 3
export const TEXT = -7
export const OBJECT = -1
/** Between these, other kinds than numbers. */
export const FIRST_KIND = -9
export const LAST_KIND = 7
/** What is added to the upper half of a number, so that no kind is one. */
export const NUMBER_ADDEND = 0x8007fff6 | 0
export const VALUE_BYTES = 8

// In front of every thing: how many have it, and, in seven bits, of which kind it is. Plain things are of kind 0.
export const COUNT_BEFORE = 4
export const KIND_BEFORE = 5
/** Counts of references from here on are never written (`kept-counts.mjs`). */
export const KEPT_COUNT_MIN = 2 ** 30

// Lists of the runtime: a link is the address of the one before, and of the one behind.
export const OBJECTS_AT = 596
export const TEXTS_AT = 628
/** Where the runtime keeps the address of its names. */
export const NAMES_AT = 568

// An object.
export const OBJECT_BYTES = 40
export const OBJECT_LINK = 0
export const CLASS = 8
export const SHAPE = 12
export const VALUES = 16
export const WEAK = 20
/** For how many items there is room. */
export const ITEM_ROOM = 24
export const ITEMS = 28
export const ITEM_COUNT = 32
/** Class, and two flags: it is exotic, and its items lie side by side. The other flags and a byte of nothing are left out. */
export const CLASS_MASK = 0xffff_0018 | 0
export const PLAIN_OBJECT = 0x0001_0000
export const PLAIN_LIST = 0x0002_0018
/** One that can have more fields; of a list, whose length can be set. */
export const EXTENSIBLE = 2

// A shape.
export const TABLE_MASK = 16
export const FIELD_ROOM = 20
export const FIELD_COUNT = 24
export const PROTOTYPE = 36
export const TABLE = 40
/** A field has flags in the upper bits of its first word, and the number of its name. */
export const FIELD_BYTES = 8
export const FIELD_NAME = 4
export const FLAGS_SHIFT = 26
export const ENUMERABLE = 4
/** It can be written, taken away and listed. */
export const PLAIN_FIELD = 7
/** It has a getter, or something else that is no value. */
export const NOT_PLAIN = 0x30

// A text.
export const LENGTH_MASK = 0x7fff_ffff
export const FORM_SHIFT = 28
export const WHOLE = 0
export const PART = 1
export const TEXT_LINK = 16
export const CHARACTERS = 24
export const PART_OF = 24
export const PART_START = 28
/** A name without one of these bits is a text; otherwise it is a small number itself. */
export const NUMBER_NAME = 0x8000_0000 | 0
/** Larger ones that lists have are texts of so many digits. */
export const INDEX_DIGITS = 10
