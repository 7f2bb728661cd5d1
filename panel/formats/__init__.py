"""How dates are written where Django writes them: on the staff pages."""
