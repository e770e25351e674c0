// Package sqlitetest gives tests a store in a folder of their own.
package sqlitetest
