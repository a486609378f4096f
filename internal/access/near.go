package access

// near returns the word that somebody may have meant, or nothing.
func near(word string, known []string) string {
	best, distance := "", 1+min(3, len(word)/2)
	for _, k := range known {
		if d := edits(word, k); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// edits is the number of single-letter changes that make a into b (Levenshtein's distance).
func edits(a, b string) int {
	above := make([]int, len(b)+1)
	here := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		here[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			here[j+1] = min(above[j]+change, above[j+1]+1, here[j]+1)
		}
		above, here = here, above
	}
	return above[len(b)]
}
