// Bench measures dynalock against the bare SDK on a local DynamoDB engine and
// prints a table: make bench. Ratios are measured side by side in one run, in
// batches that take turns; absolute times on a shared machine say little.
package main
