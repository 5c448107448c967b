/**
 * What a RocksDB gathers in memory before it writes a sorted file; it holds two of these for each column family, and
 * our two databases have three. Its own choice of 64 MiB would be 384 MiB, most of it entries that nobody reads again;
 * this much is some thousands of appends.
 */
export const WRITE_BUFFER_BYTES = 8 * 1024 * 1024
