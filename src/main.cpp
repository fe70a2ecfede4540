#include "instatunnel/cli/run.hpp"

int main(int argc, char** argv) {
    return instatunnel::cli::run(argc, argv);
}
