package template

// MaxSteps is how much work an evaluation may be.
const MaxSteps = maxSteps

// Spent evaluates a template in a frame of its own and returns how many steps it took.
func (t *Template) Spent(c Context) (steps int, err error) {
	f := new(frame)
	_, err = t.run(f, c, maxSteps)
	return min(maxSteps-f.steps, maxSteps), err
}
