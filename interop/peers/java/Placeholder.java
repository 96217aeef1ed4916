public final class Placeholder { }
