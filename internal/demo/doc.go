// Demo runs dynalock's first example against a local DynamoDB engine that it
// starts and ends itself: make demo. It needs no account.
package main
