// Package enginetest gives tests a real DynamoDB engine: dynoxide, one static
// binary that speaks DynamoDB's protocol and starts in about 10 ms.
//
// A test package calls [Client] and [Table] and nothing else. The engine is
// started once for each test binary, keeps its data in memory, and dies with
// the test binary however that one ends (see [Start]). It costs no goroutine,
// so packages that look for leaked ones need no exception for it. [Run] ends
// it early, from TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(enginetest.Run(m)) }
//
// A test that cannot have an engine fails and says how to get one. It never
// skips: a skipped store test looks like a passed one.
//
// Where the engine comes from, first match wins:
//
//  1. DYNALOCK_TEST_ENDPOINT, the address of an engine that already runs;
//  2. dynoxide on PATH;
//  3. .cache/dynoxide/<version> in the checkout;
//  4. npm pack @dynoxide/<os>-<arch>, unpacked into that folder.
package enginetest
