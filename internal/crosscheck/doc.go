// Package crosscheck holds the tests that let both sides of every convention meet: the simulated house on one side, the hub
// with its conventions on the other, an embedded broker between them. The two sides were written apart and share no code, so
// what they agree on is what the conventions say. It has no other code.
package crosscheck
